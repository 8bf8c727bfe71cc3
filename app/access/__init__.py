"""Who may reach the page: the hosts it answers to, the token of its address, and passwords."""

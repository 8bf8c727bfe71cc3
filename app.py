"""Start Gatelight: `python app.py`."""

from app.launch import main

if __name__ == "__main__":
    main()

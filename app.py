"""Start Gatelight: `python app.py`."""

import gc

if __name__ == "__main__":
    gc.disable()  # what is made at the start stays: looking for garbage in it took a sixth of the time
    from app.launch import main

    main()

"""What the server runs for each visitor.

It is a file in this folder, and not `app.py`, because Streamlit runs the files of a folder `pages` beside its script
by themselves when a direct link is the first visit after a start: without the frame, and with nothing on the screen
until all that the page imports is loaded.
"""

from pages.shared.shell import frame

if __name__ == "__main__":
    frame.show()

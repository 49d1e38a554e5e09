"""The canonical row and the formats that read into it and write from it."""

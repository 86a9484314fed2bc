"""Every page that staff can open, with everything hostile on it, in a real Chromium."""

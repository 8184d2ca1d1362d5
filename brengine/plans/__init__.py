"""Plans that people read and edit: their files, what they are judged by, and how they follow the specification."""

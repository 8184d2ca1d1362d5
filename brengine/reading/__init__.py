"""How a document is read: outline, ways to read it, features, and what became of every line. Pure."""

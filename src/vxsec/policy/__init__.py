"""From evidence to a decision: a pure function, and the documents and rules it runs on."""

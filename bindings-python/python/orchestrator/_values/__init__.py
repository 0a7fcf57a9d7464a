"""Values: plain JSON, and the types that functions ask for."""

//! The server, thin: parse, authorise, call a service, encode.

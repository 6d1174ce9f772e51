"""One idea a file; each exports its rules, `isolation.registry` lists them."""

"""What runs tasks: agents, their contexts, and workers."""

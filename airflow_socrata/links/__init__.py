"""Extra links: from a task to the portal's pages."""

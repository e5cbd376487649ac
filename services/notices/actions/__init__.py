"""The verbs of notices: telling, delivering, broadcasting, reminding, subscribing."""

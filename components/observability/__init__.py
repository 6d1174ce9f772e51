"""Alarms, the dashboard, events, the budget, and the topic that tells of them."""

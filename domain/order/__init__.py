"""The order: a draft that is submitted, then fulfilled or cancelled."""

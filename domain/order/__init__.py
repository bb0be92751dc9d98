"""The order: a draft that is filled, submitted, fulfilled or cancelled."""

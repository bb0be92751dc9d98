"""Following the feed: subscriptions, wake-ups, checkpoints."""

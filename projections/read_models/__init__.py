"""The read models, one folder each: how it applies events, its queries, its SQL.

Read models do not import each other. What they share is here: `order_row`, the row of an order, and
`descriptions`, the events in words.
"""

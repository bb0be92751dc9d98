"""Read models: the projection runner and one module per read model with its table, its event handling and its queries."""

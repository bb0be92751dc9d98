"""`ordersaga saga`: show sagas and steer them."""

"""The shipment of an order: its label and the way of its parcel."""

"""The shipment of an order: its label and where the parcel is."""

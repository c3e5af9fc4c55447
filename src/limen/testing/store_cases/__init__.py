"""What a store must do, one class for each subject; `limen.testing.stores` joins them."""

"""The tests mirror the code; servers they need are private and gone afterwards."""

"""The tests mirror the code's structure; the servers they need are private and stopped afterwards."""

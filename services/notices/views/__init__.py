"""Pages of notices: for readers (public), for whoever writes them and watches over the ledger (staff)."""

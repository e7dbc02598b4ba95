-- What waits, and what is old.
CREATE INDEX approvals_by_end ON approvals (expires_at);

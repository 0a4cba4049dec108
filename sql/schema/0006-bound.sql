-- Identities whose challenge was for one enrollment alone.

-- Its id, which need not have been there when the identity was issued; NULL: anybody's.
ALTER TABLE issued_identity ADD COLUMN for_id TEXT;

-- Who gets an identity by SCEP; twin of src/mdm/scep.c.

-- name: authority_stamp
-- Changes whenever another authority has to be loaded.
SELECT name, role, created_at FROM authority ORDER BY name;

-- name: authority_scep_keys
-- First the registration authority of the CA that issues, if it has one, then that CA, then those from before.
SELECT a.name, a.certificate, a.key, a.chain, CASE
		WHEN a.role = 'ra' THEN CASE WHEN i.name IS NULL THEN 3 ELSE 0 END
		WHEN a.role = 'issuing' THEN 1
		ELSE 2 END AS rank
FROM authority a LEFT JOIN authority i ON i.name = a.belongs_to AND i.role = 'issuing'
WHERE a.role IN ('issuing', 'former', 'ra')
ORDER BY rank, a.created_at DESC, a.name;

-- name: scep_identity
-- The identity that has signed a message, whose it is, and whether it may.
SELECT i.common_name, i.not_before, i.not_after, i.revoked_at, i.authority, COALESCE(p.no, o.no, 0),
	COALESCE(p.blocked, 0) + COALESCE(o.blocked, 0), CASE WHEN f.certificate IS NULL THEN 0 ELSE 1 END
FROM issued_identity i
LEFT JOIN enrollment p ON p.certificate = i.sha256
LEFT JOIN enrollment o ON o.no = i.enrollment_no
LEFT JOIN former_pin f ON f.certificate = i.sha256
WHERE i.sha256 = $1;

-- name: scep_pinned
-- A device whose identity is not from here, or from before identities were written down.
SELECT id, no, blocked FROM enrollment WHERE certificate = $1;

-- name: scep_enrollment
SELECT no, blocked FROM enrollment WHERE id = $1;

-- name: scep_issued_find
SELECT csr, certificate FROM scep_issued WHERE hash = $1;

-- name: scep_issued_set
INSERT INTO scep_issued (hash, csr, certificate, issued_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (hash) DO UPDATE
SET csr = excluded.csr, certificate = excluded.certificate, issued_at = excluded.issued_at;

-- name: scep_issued_forget
DELETE FROM scep_issued WHERE issued_at < $1;

-- The audit trail; twin of src/mdm/audit.c.

-- name: audit_add
INSERT INTO audit_log (no, at, source, actor, place, action, object, device, detail)
SELECT COALESCE(MAX(no), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM audit_log;

-- name: audit_unchained
SELECT no, at, source, actor, place, action, object, device, detail
FROM audit_log /*sqlite INDEXED BY audit_unchained*/ WHERE hash IS NULL ORDER BY no LIMIT $1;

-- name: audit_before
-- The hash that row $1 is chained to.
SELECT hash FROM audit_log WHERE no < $1 ORDER BY no DESC LIMIT 1;

-- name: audit_chain
UPDATE audit_log SET previous = $2, hash = $3 WHERE no = $1;

-- name: audit_page
SELECT no, at, source, actor, place, action, object, device, detail, previous, hash
FROM audit_log WHERE no > $1 ORDER BY no LIMIT $2;

-- name: audit_head
-- The last row that is chained: the one before the first that is not.
SELECT no, hash FROM audit_log
WHERE no < COALESCE(
	(SELECT no FROM audit_log /*sqlite INDEXED BY audit_unchained*/ WHERE hash IS NULL ORDER BY no LIMIT 1),
	9223372036854775807)
ORDER BY no DESC LIMIT 1;

-- name: audit_hash
SELECT hash FROM audit_log WHERE no = $1;

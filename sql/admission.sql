
-- name: admission_check
-- How many rules block the device, and how many allow it; twin of src/mdm/admission.c.
SELECT COALESCE(SUM(CASE WHEN verdict = 'block' THEN 1 ELSE 0 END), 0),
	COALESCE(SUM(CASE WHEN verdict = 'allow' THEN 1 ELSE 0 END), 0)
FROM admission WHERE (kind = 'udid' AND value = $1) OR (kind = 'serial' AND value = $2);

-- name: admission_list
SELECT kind, value, verdict, kind, value FROM admission
WHERE (kind, value) > ($1, $2) ORDER BY kind, value LIMIT $3;

-- name: admission_set
INSERT INTO admission (kind, value, verdict) VALUES ($1, $2, $3)
ON CONFLICT (kind, value) DO UPDATE SET verdict = excluded.verdict;

-- name: admission_remove
DELETE FROM admission WHERE kind = $1 AND value = $2;

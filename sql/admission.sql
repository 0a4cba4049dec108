
-- name: admission_check
-- How many rules block the device, and how many allow it; twin of src/mdm/admission.c.
SELECT COALESCE(SUM(CASE WHEN verdict = 'block' THEN 1 ELSE 0 END), 0),
	COALESCE(SUM(CASE WHEN verdict = 'allow' THEN 1 ELSE 0 END), 0)
FROM admission WHERE (kind = 'udid' AND value = $1) OR (kind = 'serial' AND value = $2);

-- Declarative management; twin of src/mdm/ddm.c.

-- name: ddm_keep_status
INSERT INTO ddm_status (enrollment_no, received_at, report, declarations, declarations_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (enrollment_no) DO UPDATE
SET received_at = excluded.received_at, report = excluded.report,
	declarations = COALESCE(excluded.declarations, ddm_status.declarations),
	declarations_at = COALESCE(excluded.declarations_at, ddm_status.declarations_at);

-- name: ddm_forget_status
-- Of a device that enrolls anew, and its users.
DELETE FROM ddm_status WHERE enrollment_no = $1
	OR enrollment_no IN (SELECT no FROM enrollment WHERE device_no = $1);

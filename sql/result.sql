-- What devices answered, for those who ask; mdm/connect stores it.  Newest command first.

-- name: result_list
-- CROSS JOIN: from the deliveries, in the order of their index, to the answers.
SELECT e.id, p.uuid, p.request, a.status, a.received_at, d.reason, d.payload_no, d.enrollment_no
FROM delivery d CROSS JOIN answer a CROSS JOIN enrollment e CROSS JOIN payload p
WHERE (d.payload_no, d.enrollment_no) < ($1, $2) AND d.payload_no >= $3
	AND a.enrollment_no = d.enrollment_no AND a.payload_no = d.payload_no
	AND e.no = d.enrollment_no AND p.no = d.payload_no
ORDER BY d.payload_no DESC, d.enrollment_no DESC LIMIT $4;

-- name: result_of_enrollment
SELECT e.id, p.uuid, p.request, a.status, a.received_at, d.reason, a.payload_no
FROM answer a
JOIN delivery d ON d.enrollment_no = a.enrollment_no AND d.payload_no = a.payload_no
JOIN enrollment e ON e.no = a.enrollment_no
JOIN payload p ON p.no = a.payload_no
WHERE a.payload_no < $1 AND a.enrollment_no = $2 AND a.payload_no >= $3
ORDER BY a.payload_no DESC LIMIT $4;

-- name: result_find
-- The answers to a command: of one device, or two of all (two: it takes a device to choose).
SELECT e.id, p.request, a.status, a.received_at, a.response, a.raw, d.reason
FROM payload p
JOIN delivery d ON d.payload_no = p.no
JOIN answer a ON a.enrollment_no = d.enrollment_no AND a.payload_no = d.payload_no
JOIN enrollment e ON e.no = a.enrollment_no
WHERE p.uuid = $1 AND ($2 IS NULL OR e.id = $2)
LIMIT 2;

-- name: result_missing
-- How a command stands with those who were sent it.
SELECT d.state, COUNT(*)
FROM payload p JOIN delivery d ON d.payload_no = p.no JOIN enrollment e ON e.no = d.enrollment_no
WHERE p.uuid = $1 AND ($2 IS NULL OR e.id = $2)
GROUP BY d.state ORDER BY d.state;

-- A device's report; twin of src/mdm/connect.c.

-- name: connect_delivery
SELECT d.payload_no, d.state, d.ended_at, p.request, p.args
FROM payload p JOIN delivery d ON d.payload_no = p.no AND d.enrollment_no = $1
WHERE p.uuid = $2;

-- name: connect_answer
INSERT INTO answer (enrollment_no, payload_no, status, received_at, response, error, raw)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (enrollment_no, payload_no) DO NOTHING;

-- name: connect_answer_secret
INSERT INTO answer_secret (enrollment_no, payload_no, raw) VALUES ($1, $2, $3)
ON CONFLICT (enrollment_no, payload_no) DO NOTHING;

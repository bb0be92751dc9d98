-- Findings, oldest first, with the state of their notifications; null selects all orders.
SELECT finding.kind, finding.subject, finding.order_id, finding.run_id, finding.detail,
       finding.action, finding.first_seen, finding.last_seen, notice.state AS notification
FROM watchdog.findings AS finding
LEFT JOIN read_models.notifications AS notice ON notice.id = finding.id
WHERE ($1::text[] IS NULL OR finding.order_id = ANY ($1))
ORDER BY finding.first_seen, finding.kind, finding.subject
LIMIT $2

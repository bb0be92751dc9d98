-- Delete the findings about subjects that were looked at, except those that still hold.
DELETE FROM watchdog.findings AS finding
WHERE finding.subject = ANY ($1::text[])
  AND NOT EXISTS (
      SELECT FROM unnest($2::text[], $3::text[]) AS holding (kind, subject)
      WHERE holding.kind = finding.kind AND holding.subject = finding.subject
  )
RETURNING kind, subject, order_id, first_seen

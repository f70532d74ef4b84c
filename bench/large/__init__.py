"""What only shows at size: many enrollments, many letters, long lists."""

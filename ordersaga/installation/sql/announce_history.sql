-- Another history from now on, because people say so.
SELECT installation.begin_history('announced', $1, $2)

-- Begins to read the balance for the books. ARGV: ms to keep sends back so that it stands still, or 0.
-- Replies {name of the books, POSTs in flight, batches being taken back, when one was last asked
-- back, spent, guessed, how often anything was, until when sends that were answered may be debited, now,
-- entries of earlier readings}.
if tonumber(ARGV[1]) > 0 then redis.call('HSET', ACCOUNT, 'quiet_until', now + tonumber(ARGV[1])) end
local f = redis.call('HMGET', ACCOUNT, 'withdrawn_at', 'spent', 'guessed', 'debits_until', 'guesses')
return { books(), redis.call('ZCARD', key(K.inflight)), redis.call('ZCARD', key(K.withdrawals)),
  f[1] or '0', f[2] or '0', f[3] or '0', f[5] or '0', f[4] or '0', now, redis.call('HGETALL', key(K.audit)) }

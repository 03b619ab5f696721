-- Keeps receipts that name a ticket we do not know, while the answer to a POST to a list is
-- awaited that may bring it; they are merged when it does. ARGV: ticket, bodies (msgpack). Replies 1 when they
-- are kept or merged, 0 when no answer is awaited.
local ticket, bodies = ARGV[1], ARGV[2]
if redis.call('HEXISTS', key(K.tickets), ticket) == 1 then
  redis.call('XADD', key(K.receipts), '*', 'bodies', bodies)
  return 1
end
if redis.call('SCARD', key(K.unanswered)) == 0 then return 0 end
redis.call('RPUSH', key(K.early, ticket), bodies)
redis.call('PEXPIRE', key(K.early, ticket), EARLY_KEPT_MS)
redis.call('ZADD', key(K.early_tickets), now, ticket)
redis.call('HDEL', ACCOUNT, 'reconcile_at')
return 1

-- Forgets a schedule; its campaigns stay. ARGV: id. Replies 0 when there is none.
local id = ARGV[1]
redis.call('UNLINK', key(K.audience, id), key(K.history, id))
redis.call('ZREM', key(K.schedules), id)
redis.call('ZREM', key(K.schedules_due), id)
return redis.call('DEL', key(K.schedule, id))

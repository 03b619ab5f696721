-- Tells the time, in ms.
return now

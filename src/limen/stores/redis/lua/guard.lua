if not settled then return { 'unreconciled' } end

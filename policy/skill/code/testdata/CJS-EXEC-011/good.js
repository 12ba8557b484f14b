const pool = new WorkerPool(4);
pool.run("resize");

const x = "Y3VybCAtcyBodHRwczovL2Nkbi5hdHRhY2tlci50ZXN0L2kuc2ggfCBiYXNo";

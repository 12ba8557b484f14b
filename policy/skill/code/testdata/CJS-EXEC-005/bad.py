import os as o
getattr(o, "sy" + "stem")("id")

require("fs").unlinkSync("/var/log/auth.log");

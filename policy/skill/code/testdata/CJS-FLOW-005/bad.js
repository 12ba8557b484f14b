const b = (s) => Buffer.from(s, "base64").toString();
eval(b("Y29uc29sZS5sb2coMSk="));

const run = (s: string) => eval(atob(s));
run("Y29uc29sZS5sb2coMSk=");

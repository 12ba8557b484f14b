console.log("listen");

console.log("no address here");

// A stand-in for the script of the Galaxy Pay gateway that shops load for its operation
// checkout. It opens the payment page in a frame over the shop's page.
"use strict";

(() => {
	const popupID = "galaxy-pay-upc-popup";
	let leave = () => {};

	// endpoint: responseData.endpoint of checkout.
	// onResult: gets {transactionID, transactionStatus} when the payment has ended; "200" is
	//           paid. It proves nothing: ask the query operation, or wait for the IPN.
	// onClose:  gets nothing, when the customer closes the frame before that.
	// options:  {language: "vi" | "en"}
	globalThis.galaxyPaySubmitPayment = (endpoint, onResult, onClose, options) => {
		leave(); // there is one popup at a time

		const address = new URL(endpoint);
		if (options?.language) address.searchParams.set("language", options.language);

		const popup = document.createElement("div");
		popup.id = popupID;
		popup.setAttribute("role", "dialog");
		popup.setAttribute("aria-modal", "true");
		Object.assign(popup.style, {
			position: "fixed", inset: "0", zIndex: "2147483647", display: "grid", placeItems: "center", background: "#0009",
		});

		const frame = document.createElement("iframe");
		frame.src = address.href;
		frame.title = "Galaxy Pay";
		Object.assign(frame.style, {
			width: "min(100%, 60rem)", height: "min(100%, 50rem)", border: "0", borderRadius: "12px", background: "#fff",
		});

		const close = document.createElement("button");
		close.type = "button";
		close.textContent = "✕";
		close.setAttribute("aria-label", options?.language === "en" ? "Close" : "Đóng");
		Object.assign(close.style, {
			position: "absolute", top: "10px", right: "10px", width: "40px", height: "40px", border: "0", borderRadius: "50%",
			background: "#fff", color: "#18202f", fontSize: "18px", cursor: "pointer",
		});

		// Every window may send messages to this one. Only the payment page in the frame may
		// say how the payment ended.
		const onMessage = (message) => {
			if (message.source !== frame.contentWindow || message.origin !== address.origin) return;
			if (message.data?.type !== "galaxypay-sandbox-result") return;
			const { transactionID, transactionStatus } = message.data;
			leave();
			onResult?.({ transactionID, transactionStatus });
		};

		leave = () => {
			leave = () => {};
			removeEventListener("message", onMessage);
			popup.remove();
		};
		close.onclick = () => {
			leave();
			onClose?.();
		};

		addEventListener("message", onMessage);
		popup.append(frame, close);
		(document.getElementById("galaxy-pay-sdk") ?? document.body).append(popup);
	};
})();
